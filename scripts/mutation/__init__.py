"""The tests of the tests: defects put into the recorder, which they have to notice."""
