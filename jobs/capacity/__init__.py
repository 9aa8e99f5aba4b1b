"""How many workers a load needs, and what breaks first as it grows. It reads history and changes nothing."""
