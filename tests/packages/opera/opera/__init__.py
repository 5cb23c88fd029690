"""Opera (戏曲社): which events there were, where, and how many people came."""
