"""Analysis: accuracy with intervals, tables, figures, the notebooks' runner and the report."""
