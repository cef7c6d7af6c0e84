# What mgcv says of the table that tests/test_additive.py composes: joint tests, marginal means, fit, effective degrees
# of freedom of the smooths. usage: Rscript additive.R table.csv facts.csv
# The definitions are those of the consistency study's analyses: a smooth of the magnitude, scaled within its
# transformation, for every cell of space x transformation; REML.
suppressMessages(library(mgcv))
arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1], stringsAsFactors = TRUE)
d$x <- ave(d$magnitude, d$transformation, FUN = function(v) (v - min(v)) / (max(v) - min(v)))
d$cell <- interaction(d$transformation, d$space)
fit <- gam(y ~ space * transformation + s(x, by = cell, k = 6), data = d, method = "REML")

design <- predict(fit, type = "lpmatrix")
cells <- interaction(d$transformation, d$space)
rows <- t(sapply(levels(cells), function(cell) colMeans(design[cells == cell, , drop = FALSE])))
space <- sub(".*\\.", "", levels(cells))
transformation <- sub("\\..*", "", levels(cells))
estimate <- rows %*% coef(fit)
covariance <- rows %*% vcov(fit) %*% t(rows)

average <- function(names) t(sapply(levels(factor(names)), function(level) (names == level) / sum(names == level)))
wald <- function(contrasts) {
  effects <- contrasts %*% estimate
  drop(t(effects) %*% solve(contrasts %*% covariance %*% t(contrasts), effects)) / nrow(contrasts)
}
against_first <- function(weights) sweep(weights[-1, , drop = FALSE], 2, weights[1, ])
spaces <- average(space)
transformations <- average(transformation)
cell <- function(s, t) as.numeric(space == s & transformation == t)
both <- NULL
for (s in levels(d$space)[-1]) for (t in levels(d$transformation)[-1])
  both <- rbind(both, cell(s, t) - cell(levels(d$space)[1], t) - cell(s, levels(d$transformation)[1]) +
    cell(levels(d$space)[1], levels(d$transformation)[1]))
fact <- function(quantity, name, value) data.frame(quantity = quantity, name = name, value = value)
labels <- sapply(fit$smooth, function(s) sub("s\\(x\\):cell", "", s$label))
smooths <- sapply(fit$smooth, function(s) sum(fit$edf[s$first.para:s$last.para]))
write.csv(rbind(
  fact("r_squared", "", 1 - sum(residuals(fit)^2) / sum((d$y - mean(d$y))^2)),
  fact("residual_df", "", fit$df.residual),
  fact("F", c("space", "transformation", "space:transformation"),
    c(wald(against_first(spaces)), wald(against_first(transformations)), wald(both))),
  fact("mean", rownames(spaces), drop(spaces %*% estimate)),
  fact("se", rownames(spaces), sqrt(diag(spaces %*% covariance %*% t(spaces)))),
  fact("edf", labels, smooths)
), arguments[2], row.names = FALSE)
