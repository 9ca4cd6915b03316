"""Other libraries' interfaces on this package. Each module needs the library that it is named after."""
