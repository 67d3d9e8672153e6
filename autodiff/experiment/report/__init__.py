"""One page that shows runs from the inside: it holds their networks, and computes what it draws."""
