"""Model providers: what is asked of a model and what it answers, in the four formats that there are."""
