"""The pages of the staff about calls. `calls.admin` imports them."""
