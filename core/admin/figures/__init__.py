"""The page of figures (数据): every community's numbers for a period, each leading to the records behind it."""
