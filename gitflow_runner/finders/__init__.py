"""How engines that search the web are asked, and how their answers are read."""
