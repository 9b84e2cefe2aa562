// Estimates from sums over clusters: pairs that share a prompt are one cluster, and are not independent of each other.

const Z = 1.959963984540054; // the 97.5% quantile of the normal distribution
const NOTHING = { value: NaN, low: NaN, high: NaN };

// Wilson's score interval for a share of `size` independent pairs.
function wilson(share, size) {
  const middle = (share + (Z * Z) / (2 * size)) / (1 + (Z * Z) / size);
  const half =
    (Z / (1 + (Z * Z) / size)) * Math.sqrt((share * (1 - share)) / size + (Z * Z) / (4 * size * size));
  return {
    value: share,
    low: Math.max(0, Math.min(share, middle - half)),
    high: Math.min(1, Math.max(share, middle + half)),
  };
}

// How many independent pairs tell as much as these: n over Kish's design effect, taken to be at least 1.
function effectiveSize(sums, sizes, n, share) {
  if (sums.length === n) return n;
  const spread = (share * (1 - share)) / n;
  if (!(spread > 0)) return sums.length;
  return n / Math.max(1, squaresAround(sums, sizes, share) / (n * n) / spread);
}

// The mean of credits in [0, 1], given as sums and sizes of clusters, and its interval.
function clusteredWilson(sums, sizes, n) {
  if (!n) return NOTHING;
  const share = total(sums) / n;
  return wilson(share, effectiveSize(sums, sizes, n, share));
}

// The variance of a mean over whole clusters; not a number where there is but one.
function clusterVariance(sums, sizes, n, mean) {
  if (sums.length < 2) return NaN;
  return ((sums.length / (sums.length - 1)) * squaresAround(sums, sizes, mean)) / (n * n);
}

function squaresAround(sums, sizes, mean) {
  let squares = 0;
  for (let c = 0; c < sums.length; c++) squares += (sums[c] - sizes[c] * mean) ** 2;
  return squares;
}

// The unweighted mean over groups, each {sums, sizes, n}. Its interval is combined from theirs: distances to their ends add
// up as independent errors do (Zou and Donner 2008).
function macroMean(groups) {
  if (!groups.length) return NOTHING;
  const parts = groups.map(({ sums, sizes, n }) => clusteredWilson(sums, sizes, n));
  const value = total(parts.map((part) => part.value)) / parts.length;
  const reach = (end) => Math.sqrt(total(parts.map((part) => (part[end] - part.value) ** 2))) / parts.length;
  return { value, low: value - reach("low"), high: value + reach("high") };
}

// The mean of differences, given as sums and sizes of clusters, with Student's interval and the p of no difference,
// which is not a number where nothing can be tested: one cluster, or differences that are all alike.
function meanDifference(sums, sizes, n) {
  if (!n) return { ...NOTHING, p: NaN };
  const value = total(sums) / n;
  if (sums.every((sum) => sum === 0)) return { value: 0, low: 0, high: 0, p: 1 };
  const freedom = sums.length - 1;
  if (freedom < 1) return { value, low: NaN, high: NaN, p: NaN };
  if (squaresAround(sums, sizes, value) < 1e-9) return { value, low: value, high: value, p: value === 0 ? 1 : NaN };
  const error = Math.sqrt(clusterVariance(sums, sizes, n, value));
  const reach = criticalT(freedom) * error;
  return { value, low: value - reach, high: value + reach, p: studentP(value / error, freedom) };
}

// Two-sided p of Student's t with a whole number of degrees of freedom.
function studentP(t, freedom) {
  const square = t * t;
  const a = freedom / 2;
  const left = freedom / (freedom + square);
  const right = square / (freedom + square);
  // left^a * right^(1/2) / B(a, 1/2), with B(a, 1/2) = sqrt(pi) * Gamma(a) / Gamma(a + 1/2)
  const front = Math.exp(-a * Math.log1p(square / freedom)) * Math.sqrt(right / Math.PI) * gammaRatio(freedom);
  if (left < (a + 1) / (a + 2.5)) return (front * betaFraction(a, 0.5, left)) / a;
  return 1 - (front * betaFraction(0.5, a, right)) / 0.5;
}

// Gamma((m + 1) / 2) / Gamma(m / 2) for a whole m > 0.
function gammaRatio(m) {
  let ratio = m % 2 ? 1 / Math.sqrt(Math.PI) : Math.sqrt(Math.PI) / 2;
  for (let k = m % 2 ? 3 : 4; k <= m; k += 2) ratio *= (k - 1) / (k - 2);
  return ratio;
}

// The continued fraction of the incomplete beta function, evaluated by Lentz's method.
function betaFraction(a, b, x) {
  const tiny = 1e-300;
  const guarded = (value) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / guarded(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / guarded(1 + term * d);
      c = guarded(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return fraction;
}

// The 97.5% quantile of Student's t, by bisection.
const criticalValues = new Map();
function criticalT(freedom) {
  if (!criticalValues.has(freedom)) {
    let low = 1;
    let high = 16; // 12.7 with one degree of freedom
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      if (studentP(middle, freedom) > 0.05) low = middle;
      else high = middle;
    }
    criticalValues.set(freedom, (low + high) / 2);
  }
  return criticalValues.get(freedom);
}

function total(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}
