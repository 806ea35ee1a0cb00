import ExperimentKit

extension Experiment {
  //: On photographs every picture is large, and the four semantic pullbacks stand twice: with the released temperatures
  //: and with one relative to each channel's own spread, which is an extension of this package.

  func drawPhotographs() throws {
    let names = ["chelsea", "macaw", "castle", "jellyfish"]
    let subject = try subject(Gallery(photographs: options.quick ? ["chelsea"] : names))
    let settings = Preset.paperV6.settings
    let released = [Method].semanticPullbacks.map { Entrant($0, settings) }
    let c = RelativeTemperatures.recommendedMultiple
    let relative = [Method].semanticPullbacks.map { Entrant.relative($0, c, settings) }
    let twins = [Method].gradientTwins.map { Entrant($0, settings) }
    let others = [Method.gradientShap, .integratedGradients, .deepLiftReleased, .guidedGradCAM].map {
      Entrant($0, settings)
    }
    let families = [
      ("Pullbacks,\nreleased τ", released), ("Pullbacks,\nc = \(c)", relative),
      ("Gradient\ntwins", twins), ("Other\nbaselines", others),
    ]
    let explained = try subject.explained(by: families.flatMap(\.1), in: context)

    //: The same attributions in three renderings, each a figure of its own.

    func figure(
      _ meaning: String, _ rendering: (Tensor, Sample) throws -> Picture, key: ColorBar? = nil
    ) throws -> Figure {
      let blocks = try explained.map { view in
        var rows: [ImageGrid.Row] = []
        for (place, family) in families.enumerated() {
          let maps = view.attributions[4 * place..<4 * place + 4]
          rows.append(
            ImageGrid.Row(
              family.0,
              [place == 0 ? try Picture(view.image.image) : nil]
                + (try maps.map { try rendering($0.map, view.image) }),
              captions: [place == 0 ? view.title : ""] + family.1.map { $0.method!.abbreviation }))
        }
        return ImageGrid(columns: [], rows, colorBars: key.map { [$0] } ?? [], width: Looks.Width.photographBlock)
      }
      return Figure(
        Panels(blocks, columns: 2, isLettered: true),
        credit: "\(subject.title). \(meaning) \(Entrant.picturedMeaning) \(subject.credit)", theme: Looks.photographs)
    }
    let numbers = explained.map(\.numbers)
    try write(
      try figure("Heat maps.", { map, _ in try heatMap(map) }, key: heatMapKey), numbers: numbers, about: [subject])
    try write(
      try figure(
        "Raw colour about mid grey, scaled by the 99.5th percentile of each map's magnitudes.",
        { map, _ in try centredPicture(map) }), part: "raw", numbers: numbers, about: [subject])
    try write(
      try figure(
        "Heat maps of the attribution times the input.", { map, image in try heatMap(map * image.image) },
        key: heatMapKey), part: "product", numbers: numbers, about: [subject])
  }
}
