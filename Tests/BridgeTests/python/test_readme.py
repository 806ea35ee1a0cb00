"""The example of Sources/Python/README.md, run as it is written: what it prints is what stands there."""
import doctest
import os
import unittest

import numpy

from common import ROOT, Folder, pullbacks


class Readme(unittest.TestCase):
    def test_example(self):
        folder = Folder()
        self.addCleanup(folder.cleanup)
        pullbacks("scenes", "--export", folder.path("scenes"), "--count", 10)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.path("."))
        numpy.set_printoptions(precision=3, suppress=True)
        result = doctest.testfile(
            str(ROOT / "Sources/Python/README.md"), module_relative=False,
            optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
        self.assertEqual(result.failed, 0)
        self.assertGreater(result.attempted, 10)

    def test_help_reads(self):
        import pydoc

        import semantic_pullbacks

        text = pydoc.plain(pydoc.render_doc(semantic_pullbacks))
        for words in ["Explain what a neural network saw", "load(source", "Load a network.", "explain(", "smooth_draws"]:
            self.assertIn(words, text)
        for name in semantic_pullbacks.__all__:
            self.assertTrue(getattr(semantic_pullbacks, name).__doc__, name)


if __name__ == "__main__":
    unittest.main()
