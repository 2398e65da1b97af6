"""PowerSchool: the plug-in package that districts install, and what is needed to have one made and looked at."""
