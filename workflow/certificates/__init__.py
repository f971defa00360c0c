"""The material certificate (物资证明函): three parties confirm it, declarations draw on its lines."""
