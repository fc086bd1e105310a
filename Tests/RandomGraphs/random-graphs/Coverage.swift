import PinionOperators

/// Which operators of the catalog have a recipe.
enum Coverage {
  /// Operators without a recipe, and why.
  static let reasons: [String: String] = [
    "Bernoulli": "draws numbers", "Multinomial": "draws numbers", "RandomNormal": "draws numbers", "RandomNormalLike": "draws numbers",
    "RandomUniform": "draws numbers", "RandomUniformLike": "draws numbers",
    "ImageDecoder": "takes pictures, which Tests/CPictures makes", "pinion::AlignAxes": "made of operators of opsets before 7",
    "pinion::FusedConv": "made by passes only", "pinion::FusedGemm": "made by passes only", "pinion::FusedMatMul": "made by passes only",
  ]

  /// Prints operators that have neither recipe nor reason.
  /// - Returns: whether there is none.
  static func print() -> Bool {
    let covered = Set(Recipe.all.flatMap(\.operators))
    let missing = OperatorCatalog.all.map { $0.schema.qualifiedName }.filter { !covered.contains($0) && reasons[$0] == nil }
    for name in missing { Swift.print("no recipe for \(name)") }
    Swift.print("\(covered.count) operators have recipes, \(reasons.count) a reason to have none, \(missing.count) neither")
    return missing.isEmpty
  }
}
