"""Pictures for people: what summary pages are put together from."""
