extension Recipe { static let sequences: [Recipe] = [] }
