//: # A first notebook
//:
//: Everything that a semantic pullback is, on a network small enough to check by hand: two inputs, two layers, four
//: neurons. Then the same rules on a network that sees pictures. Each cell prints what it computes; read the two side
//: by side.
//:
//:     swift run start
//:     swift run start --networks imagenet    a photograph, after make imagenet

import ExperimentKit
import Foundation

Experiment.run("start") { experiment in

  //: ## A network is an affine map that the input has chosen
  //:
  //: Three neurons with ReLUs read two inputs, and a fourth reads them: `f(x) = B relu(A x + a) + b`.

  let a: [[Float]] = [[1, -1], [1, 1], [-1, 0.5]]
  let offsets: [Float] = [0, -1.4, 0.3]
  let b: [Float] = [2, -1, 1.5]
  let offset: Float = 0.25
  let network = try Network(
    Graph("four neurons", input: [2]) { $0.linear("first", 3).relu("relu").linear("second", 1) },
    parameters: [
      "first.weight": Tensor(shape: [3, 2], a.flatMap(\.self)), "first.bias": Tensor(shape: [3], offsets),
      "second.weight": Tensor(shape: [1, 3], b), "second.bias": Tensor(shape: [1], [offset]),
    ])
  let x: [Float] = [1, 0.5]
  let input = Tensor(shape: [1, 2], x)
  let value = try network(input).scalars[0]
  experiment.show("x = \(vector(x)), f(x) = \(number(value))")

  //: The pre-activations `z = A x + a` decide which ReLUs let their value through. The first neuron is open, the third
  //: is shut, and the second is only just open.

  let z = zip(a, offsets).map { row, offset in row[0] * x[0] + row[1] * x[1] + offset }
  let gates: [Float] = z.map { $0 > 0 ? 1 : 0 }
  experiment.show("z = A x + a = \(vector(z)), gates = \(vector(gates))")

  //: With the gates as they are, the network is affine: `f(x) = W(x) x + b(x)`, where `W(x) = B diag(gates) A`.

  func pulledBack(through gates: [Float]) -> [Float] {
    var result: [Float] = [0, 0]
    for neuron in 0..<3 {
      for input in 0..<2 { result[input] += b[neuron] * gates[neuron] * a[neuron][input] }
    }
    return result
  }
  let w = pulledBack(through: gates)
  var rest = offset
  for neuron in 0..<3 { rest += b[neuron] * gates[neuron] * offsets[neuron] }
  experiment.show("W(x) = \(vector(w)), b(x) = \(number(rest))")
  experiment.show("W(x) x + b(x) = \(number(w[0] * x[0] + w[1] * x[1] + rest)), which is f(x)")

  //: ## The hard pullback
  //:
  //: Pulling the output's direction u back through the network is multiplying by the transpose of `W(x)`. Here u is
  //: the number 1, and the hard pullback is `W(x)` itself. The library finds it by one backward pass: each layer hands
  //: its cotangent on.

  let u = Tensor(shape: [1, 1], [1])
  func pullback(_ rules: RuleSet, of network: Network) throws -> [Float] {
    let trace = try network.trace(at: input, rules: [rules])
    let cotangent = try trace.pullback(u, by: rules)
    return cotangent.scalars
  }
  experiment.show("hard pullback, by the library: \(try vector(pullback(.hardPullback, of: network)))")

  //: For a network of ReLUs this is the gradient. It counts both open neurons fully, though the second would be
  //: shut if the input moved a little.

  //: ## The soft pullback
  //:
  //: The soft rule replaces a gate of 0 or 1 by the share of the time that the gate is open under noise on z with the
  //: standard deviation tau: `Phi(z / tau)`, Phi the normal distribution function. Nothing changes in the forward pass.

  let tau: Float = 0.6
  let soft = z.map { Float(0.5 * erfc(-Double($0 / tau) / 2.0.squareRoot())) }
  experiment.show("soft gates Phi(z / \(tau)) = \(vector(soft))")
  let byLibrary = try pullback(.softPullback(), of: network)
  experiment.show("soft pullback, by hand: \(vector(pulledBack(through: soft))), by the library: \(vector(byLibrary))")

  //: The share can be counted. A hundred thousand draws of noise, the hard pullback with the gates of each, and their
  //: mean:

  let draws = 100_000
  let noise = RandomStream(seed: experiment.options.seed, "start").normals([draws, 3]).scalars
  var sums: [Float] = [0, 0]
  for draw in 0..<draws {
    let gates: [Float] = (0..<3).map { z[$0] + tau * noise[3 * draw + $0] > 0 ? 1 : 0 }
    for (input, value) in pulledBack(through: gates).enumerated() { sums[input] += value }
  }
  experiment.show("mean of \(draws) hard pullbacks under noise: \(vector(sums.map { $0 / Float(draws) }))")

  //: ## The same function, written down in another way
  //:
  //: Multiply what the first neuron computes by ten, and divide the weight that reads it by ten: the function is the
  //: same. Its gradient is, too. The soft pullback with one tau is not, since 0.6 is now little beside z; with noise
  //: relative to each neuron's own spread, an extension of this package, it is.

  let scales: [Float] = [10, 1, 1]
  let rescaled = try Network(
    network.graph,
    parameters: [
      "first.weight": Tensor(shape: [3, 2], zip(a, scales).flatMap { row, s in row.map { $0 * s } }),
      "first.bias": Tensor(shape: [3], zip(offsets, scales).map { $0 * $1 }),
      "second.weight": Tensor(shape: [1, 3], zip(b, scales).map { $0 / $1 }),
      "second.bias": Tensor(shape: [1], [offset]),
    ])
  let spreads: [Float] = [0.5, 0.4, 0.6]
  func both(_ rules: (_ spreads: [Float]) -> RuleSet) throws -> String {
    let both = [(network, spreads), (rescaled, zip(spreads, scales).map { $0 * $1 })]
    return try both.map { network, spreads in
      try vector(pullback(rules(spreads), of: network))
    }.joined(separator: " and ")
  }
  experiment.show("before and after rescaling:")
  experiment.show("  hard: \(try both { _ in .hardPullback })")
  experiment.show("  soft, tau = \(tau): \(try both { _ in .softPullback() })")
  let c = RelativeTemperatures.recommendedMultiple
  let relative = try both {
    .relativePullback(c, Spreads(["relu": Spread(.calibration, $0)]), over: network.graph)
  }
  experiment.show("  soft, c = \(c): \(relative)")

  //: ## A network that sees
  //:
  //: The rules do not change with the network's size. The soft pullback of a class lies on the parts of the object that
  //: speak for it, where the gradient looks like noise.

  let subject = try experiment.subject(Gallery(photographs: ["zebra"]))
  let methods: [Method] = [.gradient, .softPullback, .pullbackAscent]
  let view = try subject.explained(by: methods, in: experiment.context)[0]
  experiment.show("\(subject.title) sees a \(view.className)")
  for (entrant, map) in view.attributions {
    let share = AttributionNumbers(map, mask: view.image.mask).shareOfSquaresOnObject
    let text = share.map { "\(decimal(100 * $0, places: 0)) % of its energy on the object" }
    experiment.show("  \(entrant.name): \(text ?? "no mask tells where the object is")")
  }
  let grid = ImageGrid(
    columns: ["Image"] + methods.map(\.abbreviation),
    [
      ImageGrid.Row(
        view.className,
        [try Picture(view.image.image)] + (try view.attributions.map { try experiment.heatMap($0.map) }))
    ],
    colorBars: [experiment.heatMapKey])
  try experiment.write(Figure(grid, credit: subject.credit), numbers: view.numbers, about: [subject])

  //: ## Exercises
  //:
  //: 1. At which x does the second neuron's gate close, if only the first input moves? *Answer: where
  //:    `x1 + 0.5 = 1.4`, at x1 = 0.9. Change x and run again: the hard pullback jumps from (1, -3) to (2, -2), the
  //:    soft one hardly moves.*
  //: 2. What does the soft pullback tend to for a very small, and for a very large tau? *Answer: to the hard pullback;
  //:    and to `B A^T / 2`, half of what the network without ReLUs would have, whatever x is.*
  //: 3. Why is the bias part `b(x)` no part of an explanation in the image's space? *Answer: it does not depend on the
  //:    values of x once the gates are chosen; `<W(x), x>` and `b(x)` share out f(x).*
  //: 4. What speaks for another class in the same picture? *Answer: `swift run pullbacks attribute --model vgg-scenes
  //:    --input SCENE --target tench --figure tench.png`; `Experiments/fig2` does it for four classes in one picture.*
}

/// Two decimals.
func number(_ value: Float) -> String { decimal(Double(value), places: 2) }

func vector(_ values: [Float]) -> String { "(" + values.map(number).joined(separator: ", ") + ")" }
