"""PowerSchool: the plugin that a district installs, its exports, and its API."""
