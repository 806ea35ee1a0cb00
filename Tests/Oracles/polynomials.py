"""The polynomials of Sources/CKernels/scalar.h: near-minimax fits in high precision, printed as C float constants.

mpmath 1.3. Each line gives the largest error of the fit in exact arithmetic; float32 evaluation adds about 1e-7.
"""
import mpmath as mp

mp.mp.dps = 40


def show(name, f, interval, degree):
    coefficients, error = mp.chebyfit(f, interval, degree + 1, error=True)
    print(f"// {name} on [{float(interval[0]):.4g}, {float(interval[1]):.4g}], largest error {float(error):.1e}")
    print(", ".join(f"{float(c):.9e}f" for c in reversed(coefficients)))


half = mp.log(2) / 2
show("exp(r)", mp.exp, [-half, half], 6)
show("erf(sqrt s) / sqrt s", lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) if s > 0 else 2 / mp.sqrt(mp.pi), [0, 1], 6)
show("-log erfc(a)", lambda a: -mp.log(mp.erfc(a)), [1, 4], 8)
