"""Who will eat what: usual meals by weekday, pauses, orders for single days, and the kitchen's count."""
