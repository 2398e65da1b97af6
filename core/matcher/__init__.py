"""The matchers that come with `syncrun`: what identifiers, addresses, names, ages, schools, years and classes say of two
records. They come in by the hook, like anybody's."""
