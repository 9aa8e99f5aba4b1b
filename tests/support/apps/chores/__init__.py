"""An installed app (EXTRA_APPS) whose functions are tasks."""
