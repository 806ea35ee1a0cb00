//: # Figure 13: the scenes' networks under other trainings
//: > Two networks, trained in four ways from three seeds each: maps of the first seed, scores of all, and the
//: > released temperature in units of the channels' spread.
//:
//: The convolutional networks that come with this package were not trained in the usual way. The scales γ of their
//: batch norms began at a third, where they usually begin at 1, and the pictures had noise on them. Both were chosen
//: because the soft pullbacks came out clear. How much of the other figures depends on that choice?
//:
//: A batch norm's γ is the standard deviation of the values that the ReLU behind it reads, and a fixed temperature is
//: large or small beside that: τ = 0.6 is nearly two standard deviations where γ is a third, and little more than half
//: of one where it is 1. The relative temperature, an extension that is not in the paper, is a multiple c of each
//: channel's own deviation, wherever γ began.

import ExperimentKit

Experiment.run(
  "fig13",
  measuring: { experiment, measurements in

    //: Both networks are trained under four conditions, from three seeds each. The recipe is shorter than that of the
    //: embedded networks: 19,200 scenes in six epochs, where those saw 64,000 in ten. The line below the figure says
    //: how well the networks see. With `--recompute` the 24 of them are trained and scored, which takes hours and can
    //: be stopped at any time; without, the committed scores and maps are drawn, those of the seeds so far.

    let variants = try VariantScores.all(of: experiment, from: measurements)
    let summaries = variants.map(\.summary)
    let conditions = TrainingCondition.allCases

    //: Above, two scenes explained by the networks of the first seed. A row of maps that are equally clear in all
    //: columns does not depend on how the network was trained.

    let rows = try variants[0].shownScenes.enumerated().flatMap { scene, sample in
      try ExplainerLook.all.enumerated().map { place, look in
        let maps = try variants.flatMap { variant in
          try conditions.map { condition in
            try variant.maps[condition, scene: scene, look.explainer].map { try experiment.heatMap($0) }
          }
        }
        let image = place == 0 ? try Picture(sample.image) : nil
        return ImageGrid.Row(look.title.replacing(", ", with: "\n"), [image] + maps)
      }
    }
    let titles = zip(ConditionPlot.letters, conditions).map { "\($0): \($1.title)" }
    let grid = ImageGrid(
      columns: ["Image"] + variants.flatMap { _ in titles }, rows,
      groups: [.init("", columns: 1)] + variants.map { .init($0.network.title, columns: conditions.count) },
      colorBars: [experiment.heatMapKey], width: Looks.Width.conditions(networks: variants.count), gap: Looks.tightGap)

    //: Below them the scores, two metrics in a row: a point for each seed, lines through their means.

    let scores = try VariantExplainer.metrics.flatMap { metric in
      try variants.enumerated().map { column, variant in
        var plot = ConditionPlot()
        for (place, look) in ExplainerLook.all.enumerated() {
          let seeds = conditions.map { variant.means($0, look.explainer, metric) }
          try plot.add(look.title, seeds, look, offset: 0.18 * Double(place - 1))
        }
        let scale = metric == .infidelity ? Axis.Scale.logarithmic : .linear
        return plot.plot(
          Axis(column == 0 ? metric.label : "", scale: scale),
          title: VariantExplainer.metrics.prefix(2).contains(metric) ? variant.network.title : nil)
      }
    }

    //: Last, the released temperature in units of the median standard deviation of the values that ReLUs read, as the
    //: batch norms tell it after training.

    let temperatures = try summaries.enumerated().map { column, summary in
      var plot = ConditionPlot()
      try plot.add("", summary.conditions.map(\.temperatures), .fixed)
      var drawn = plot.plot(Axis(column == 0 ? "τ = 0.6 in σ" : "", range: 0...2.5), title: nil)
      drawn.levels = [Tick(1.5, "c = 1.5")]
      return drawn
    }
    let legend = Legend(scores[0].legendEntries(), width: Looks.Width.conditions(networks: variants.count))
    let plots = Panels(
      [legend, Panels(scores + temperatures, columns: 2 * variants.count, gap: 6)], columns: 1, gap: 6)

    let accuracies = zip(variants, summaries).map { variant, summary in
      let all = summary.conditions.flatMap(\.accuracies).map { 100 * $0 }.sorted()
      return "\(variant.network.title) \(decimal(all[0], places: 1)) to \(decimal(all.last!, places: 1)) %"
    }
    let count = summaries[0].seeds.count
    let seeds =
      count == 1 ? "one seed of training" : "a point for each of \(count) seeds of training, lines through the means"
    let lacking = summaries.flatMap { summary in
      summary.scores.filter { $0.undefined != nil }.map { "\(summary.model), \($0.explainer), \($0.metric)" }
    }
    let fewer = lacking.isEmpty ? "" : " Some scores are undefined and left out of: \(lacking.joined(separator: "; "))."
    let credit = """
      (a) Maps by the networks of seed \(variants[0].description.shownSeed). (b) \(summaries[0].images) held-out \
      scenes; \(seeds); arrows: which scores are good. Trained on \(summaries[0].trainingScenes) scenes, less than a third of what the embedded \
      networks saw; right on held-out scenes: \(accuracies.joined(separator: ", ")).\(fewer)
      """
    try experiment.write(
      Figure(Panels([grid, plots], columns: 1, isLettered: true, gap: 12), credit: credit), numbers: summaries,
      about: [])
  })
