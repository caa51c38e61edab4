"""One module for each metric or story of insights: adding a module here is all it takes to add one."""
