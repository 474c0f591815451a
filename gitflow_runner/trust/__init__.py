"""Who said what, decided by keys and policy alone; names, dates and forges decide nothing."""
