"""Reports: each is a function of one Run and touches nothing but its own file or terminal."""
