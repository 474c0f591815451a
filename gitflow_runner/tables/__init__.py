"""What is done with the rows of a table: values in, values out, and nothing of the world."""
