"""Threads, processes and memory."""
import concurrent.futures
import gc
import multiprocessing
import os
import unittest

import numpy
import semantic_pullbacks
from semantic_pullbacks.captum import Pullback

from common import inputs, same


def resident():
    """The bytes that this process has in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Threads(unittest.TestCase):
    def test_eight_at_once(self):
        networks = [semantic_pullbacks.load(name) for name in ["vgg-scenes", "pvt-scenes"]]
        x = inputs(8)
        jobs = [
            (network, method, k)
            for network in networks for method in ["soft-pullback", "gradient", "smoothgrad"] for k in range(8)
        ]
        run = lambda job: job[0].explain(x[job[2] : job[2] + 1], job[2], job[1], **(
            {"smooth_draws": 2} if job[1] == "smoothgrad" else {}))
        alone = [run(job) for job in jobs]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            together = list(pool.map(run, jobs))
            failed = list(pool.map(lambda k: self.message(networks[0], x, 10 + k), range(16)))
        for one, other in zip(alone, together):
            self.assertTrue(same(one, other))
        # Each call's error is its own.
        self.assertEqual(failed, [f"class {10 + k}: vgg-scenes has the classes 0 to 9" for k in range(16)])

    def message(self, network, x, target):
        try:
            network.explain(x, target)
        except semantic_pullbacks.UsageError as error:
            return str(error)

    def test_freed_while_in_use(self):
        x = inputs(1)
        expected = semantic_pullbacks.load("vgg-scenes").explain(x, 1)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            maps = list(pool.map(lambda _: semantic_pullbacks.load("vgg-scenes").explain(x, 1), range(16)))
        self.assertTrue(all(same(each, expected) for each in maps))

    def test_forked_process(self):
        network, x = semantic_pullbacks.load("vgg-scenes"), inputs(1)
        expected = network.explain(x, 2)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            for found in pool.starmap(network.explain, [(x, 2)] * 4):
                self.assertTrue(same(found, expected))

    def test_thousand_calls_leak_nothing(self):
        network, x = semantic_pullbacks.load("vgg-scenes"), inputs(1)

        def calls(count):
            for k in range(count):
                network.explain(x, k % 10)
                try:
                    network.explain(x, 10)
                except semantic_pullbacks.UsageError:
                    pass
            gc.collect()

        calls(100)
        before = resident()
        calls(1000)
        grown = resident() - before
        # A map has 110,592 bytes; one that is lost in each call would be 110 MB.
        self.assertLess(grown, 8 << 20, f"{grown / 1e6} MB")

    def test_networks_are_freed(self):
        def loads(count):
            for _ in range(count):
                semantic_pullbacks.load("vgg-scenes").predict(x)
            gc.collect()

        x = inputs(1)
        loads(10)
        before = resident()
        loads(50)
        # 1.7 MB of parameters each.
        self.assertLess(resident() - before, 16 << 20)


class Captum(unittest.TestCase):
    def test_arrays(self):
        network, x = semantic_pullbacks.load("vgg-scenes"), inputs(2)
        pullback = Pullback(network, "smoothgrad", smooth_draws=2)
        expected = network.explain(x, [1, 2], "smoothgrad", smooth_draws=2)
        self.assertTrue(same(pullback.attribute(x, target=[1, 2]), expected))
        self.assertTrue(same(pullback.attribute((x,), target=numpy.array([1, 2]))[0], expected))
        self.assertFalse(same(pullback.attribute(x, target=[1, 2], smooth_draws=3), expected))
        self.assertFalse(pullback.has_convergence_delta())


if __name__ == "__main__":
    unittest.main()
