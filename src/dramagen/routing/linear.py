"""Just enough linear algebra for a few dozen models, so that no numeric library is needed."""

Matrix = list[list[float]]


def inverse(matrix: Matrix) -> Matrix:
    """The inverse of a positive definite matrix (Gauss-Jordan; the largest pivot of each column first)."""
    size = len(matrix)
    rows = [[*map(float, row), *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = rows[column][column]
        rows[column] = [number / scale for number in rows[column]]
        for row in range(size):
            if row != column and (factor := rows[row][column]):
                rows[row] = [
                    number - factor * above for number, above in zip(rows[row], rows[column], strict=True)
                ]
    return [row[size:] for row in rows]


def times(matrix: Matrix, vector: list[float]) -> list[float]:
    """Matrix times vector."""
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def product(left: Matrix, right: Matrix) -> Matrix:
    """Matrix times matrix."""
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)]
        for row in left
    ]
