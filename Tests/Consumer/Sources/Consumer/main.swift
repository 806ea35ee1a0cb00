// A network of one's own, and the soft pullback of one of its logits: what the README shows, run.

let attribution = try explainATinyNetwork()
print("attribution", attribution.shape, attribution.imageNorms[0] > 0 ? "nonzero" : "zero")
