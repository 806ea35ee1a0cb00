// A network of one's own, and the soft pullback of one of its logits: what the tutorial shows, run.

let attribution = try explainATinyNetwork()
print("attribution", attribution.shape, attribution.imageNorms[0] > 0 ? "nonzero" : "zero")

// A rule of one's own agrees with the package's.
print("rule", try differenceOfGammaRules() < 1e-5 ? "agrees" : "differs")
