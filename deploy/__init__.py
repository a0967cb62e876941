"""How a colorizer reaches people: each folder is one way, and lesson 09 teaches from them."""
