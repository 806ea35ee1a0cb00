import ExperimentKit

extension Experiment {
  //: On photographs the soft pullback stands twice: with the released temperatures, and with one relative to each
  //: channel's own spread, which is an extension of this package. Ten steps of pullback ascent, not five, for all.

  func drawPhotographs() throws {
    let subjects = try subjects(Gallery(photographs: ["chelsea", "macaw", "bee"]))
    var settings = Preset.paperV6.settings
    settings.steps = 10
    let entrants = [Entrant(.gradient, settings)] + Entrant.pictured([.softPullback, .pullbackAscent], settings)
    let explained = try subjects.map { try $0.explained(by: entrants, in: context) }

    //: A block is a network. Attributions as heat maps; what the ascent added in raw colour.

    let panels = try zip(subjects, explained).map { subject, views in
      ImageGrid(
        columns: ["Image"] + entrants.map(\.abbreviation),
        try views.map { view in
          ImageGrid.Row(
            view.title,
            [try Picture(view.image.image)]
              + (try view.attributions.map { entrant, map in
                entrant.method == .pullbackAscent ? try centredPicture(map) : try heatMap(map)
              }))
        },
        groups: [.init(subject.title, columns: 1 + entrants.count)],
        colorBars: subject.title == subjects.last?.title ? [heatMapKey] : [], width: Looks.Width.photographs)
    }
    let credit = """
      Heat maps; pullback ascent (ten steps) in raw colour about mid grey, scaled by the 99.5th percentile of the \
      magnitudes. \(Entrant.picturedMeaning) \(subjects[0].credit)
      """
    try write(
      Figure(Panels(panels, columns: 1), credit: credit, theme: Looks.photographs),
      numbers: explained.map { $0.map(\.numbers) }, about: subjects)
  }
}
