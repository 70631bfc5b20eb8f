//! The closed form: weights from the inverse of the regularised co-occurrence matrix, by Cholesky in `f64` with a fixed order of sums.

/// Counts of pairs, row by row, `n * n`; the diagonal holds how many bags have the item.
pub(super) fn pairs(bags: &[Vec<usize>], n: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n * n];
    for bag in bags {
        for a in bag {
            for b in bag {
                counts[a * n + b] += 1.0;
            }
        }
    }
    counts
}

/// Weights `n * n`, zero diagonal: `-P[i][j] / P[j][j]` with `P` the inverse of counts + lambda on the diagonal.
pub(super) fn weights(mut counts: Vec<f64>, n: usize, lambda: f64) -> Vec<f32> {
    (0..n).for_each(|i| counts[i * n + i] += lambda);
    let inverse = inverse(&counts, n);
    let mut weights = vec![0.0_f32; n * n];
    for i in 0..n {
        for j in (0..n).filter(|j| *j != i) {
            weights[i * n + j] = (-inverse[i * n + j] / inverse[j * n + j]) as f32;
        }
    }
    weights
}

/// Inverse of a symmetric positive definite matrix.
fn inverse(matrix: &[f64], n: usize) -> Vec<f64> {
    // Lower triangle L with L * L^T = matrix.
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            let rest = matrix[i * n + j] - dot;
            lower[i * n + j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / lower[j * n + j] };
        }
    }
    // Columns of L^-1, kept as rows of its transpose.
    let mut columns = vec![0.0; n * n];
    for c in 0..n {
        for i in c..n {
            let dot: f64 = (c..i).map(|k| lower[i * n + k] * columns[c * n + k]).sum();
            columns[c * n + i] = (f64::from(u8::from(i == c)) - dot) / lower[i * n + i];
        }
    }
    let mut inverse = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (i..n).map(|k| columns[i * n + k] * columns[j * n + k]).sum();
            inverse[i * n + j] = dot;
            inverse[j * n + i] = dot;
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_one() {
        let n = 3;
        let matrix = [4.0, 1.0, 0.5, 1.0, 3.0, 0.2, 0.5, 0.2, 2.0];
        let inverse = inverse(&matrix, n);
        for i in 0..n {
            for j in 0..n {
                let product: f64 = (0..n).map(|k| matrix[i * n + k] * inverse[k * n + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
    }
}
