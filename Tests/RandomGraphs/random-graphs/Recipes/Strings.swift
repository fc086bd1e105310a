extension Recipe { static let strings: [Recipe] = [] }
