//: # Figure 16: how the cost of an explanation grows
//: > Least time and additional memory of a soft pullback, or of the first explainers of table 1 together, as one
//: > setting grows. Dotted lines are in proportion to the multiply-adds.
//:
//: An explanation is made of forward and backward passes, and a pass mostly of multiply-adds. If nothing else took
//: time, time would grow in proportion to their number. Where it does not, something else counts: the handing out of
//: work where there is little of it, the reading of weights where few values share them, memory where nothing fits into
//: a cache.

import ExperimentKit

WorkloadCost.answerIfAsked()
Experiment.run(
  "fig16",
  measuring: { experiment, measurements in

    //: Each workload is measured in a process of its own: the least time of two or more runs, and by how much the first run
    //: made the process larger, the network having been loaded before. A workload is a soft pullback of ResNet-50 or
    //: PVT-v2-B1 (one photograph of 224 x 224), or of an encoder of the size of all-MiniLM-L6-v2 (128 tokens, six layers,
    //: 384 features), in which one setting grows. Where explainers are counted, it is the first so many of table 1 that
    //: explain one image and share their passes.

    let growth = try experiment.costGrowth(from: measurements)

    //: Times are drawn over the setting, both on logarithmic axes. The dotted line is what the multiply-adds alone would
    //: take at the best rate that the curve reaches: a curve that leaves it does something else. Memory, below, has no
    //: such line: what is kept for the way back grows with the values, not with the multiply-adds. At the left it is the
    //: weights of convolutions, packed once for each network.

    let titles: [CostCurve.Sweep: String] = [
      .images: "images in a batch", .resolution: "pixels along a side", .explainers: "explainers",
      .threads: "threads", .tokens: "tokens", .layers: "layers", .width: "features",
    ]
    let looks: [(network: String, title: String, color: Color, marker: Marker)] = [
      ("resnet50", "ResNet-50", Color(0x0072B2), .disc), ("pvt_v2_b1", "PVT-v2-B1", Color(0xD55E00), .square),
      (Workload.encoder, "encoder", Color(0x009E73), .triangle),
    ]
    func plot(_ sweep: CostCurve.Sweep, _ y: Axis, _ value: (WorkloadCost) -> Double, isTime: Bool) throws -> LinePlot {
      let curves = growth.curves.filter { $0.sweep == sweep }
      var series: [LinePlot.Series] = []
      for look in looks {
        guard let curve = curves.first(where: { $0.network == look.network }) else { continue }
        let x = curve.settings.map(Double.init)
        if isTime {
          var line = try LinePlot.Series("", x: x, y: curve.proportional)
          (line.style, line.color, line.dashes) = (.line, look.color, [1, 1.5])
          series.append(line)
        }
        var line = try LinePlot.Series(look.title, x: x, y: curve.costs.map(value))
        (line.color, line.marker) = (look.color, look.marker)
        series.append(line)
      }
      let settings = curves[0].settings
      // Labels that would touch each other are left out.
      let every = max(1, (settings.count + 3) / 4)
      let ticks = settings.enumerated().map { Tick(Double($1), $0 % every == 0 ? "\($1)" : "") }
      let ends = (Double(settings.first!) / 1.15, Double(settings.last!) * 1.15)
      return LinePlot(
        series, x: Axis(isTime ? "" : titles[sweep]!, scale: .logarithmic, range: ends.0...ends.1, ticks: ticks), y: y,
        title: nil, size: Looks.Plot.conditions, showsLegend: false)
    }
    func rows(_ sweeps: [CostCurve.Sweep]) throws -> [LinePlot] {
      try sweeps.enumerated().map { place, sweep in
        try plot(sweep, Axis(place == 0 ? "milliseconds" : "", scale: .logarithmic), \.milliseconds, isTime: true)
      }
        + sweeps.enumerated().map { place, sweep in
          try plot(sweep, Axis(place == 0 ? "10⁶ bytes" : "", scale: .logarithmic), \.megabytes, isTime: false)
        }
    }
    let above = try rows([.images, .resolution, .explainers, .threads])
    let below = try rows([.tokens, .layers, .width])
    let legend = Legend(above[3].legendEntries(), width: Looks.Width.counterfactuals)
    let credit = """
      (a) Pictures and explainers. (b) An encoder. Above: the least time of two or more runs; dotted: in proportion to the \
      multiply-adds, at the best rate of the curve. Below: growth of the process by the first run. \(growth.machine).
      """
    let blocks = Panels(
      [Panels(above, columns: 4, gap: 6), Panels(below, columns: 3, gap: 6)], columns: 1, isLettered: true, gap: 10)
    try experiment.write(
      Figure(Panels([legend, blocks], columns: 1, gap: 6), credit: credit), numbers: growth, about: [])
  })
