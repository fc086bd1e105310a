extension Recipe { static let vision: [Recipe] = [] }
