extension Recipe { static let microsoft: [Recipe] = [] }
