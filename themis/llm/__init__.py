"""Language models at work on the pairs: ratings and their consensus, instructions written back, judges' votes."""
