"""The canteen's books: prepaid accounts and takings, closed days, reversals, and meals that nobody is named for."""
