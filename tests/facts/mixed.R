# Writes mixed.csv, the facts of tests/test_hierarchical.py: R 4.2.2 with lme4 1.1-31 and lmerTest 3.1-3.
# usage: Rscript mixed.R DIRECTORY   (of mixed7.csv)
# The tables but for mixed7.csv are made of sines, as the test makes them. Rows of the facts:
#   fixed     estimate, standard error, Satterthwaite's df, limits by the profile of the full likelihood
#   variance  estimate, limits by the profile of the restricted likelihood (which confint does not give)
#   contrast  of all pairs of fixed effects, "first - second": as fixed, limits by Student's t
#   deviance  -2 log restricted likelihood
suppressMessages(library(lmerTest))
noise <- function(i) sin(3 * i^2 + i)

crossed <- function() {  # one trial of mfcc, five of the others; some rows are not there
  network <- rep(0:20, each = 12); excerpt <- rep(0:11, 21); i <- 0:251
  space <- c("mfcc", rep(c("AE", "AT", "IR", "VS"), each = 5))[network + 1]
  level <- c(mfcc = 0.9, AE = 0.2, AT = 0.6, IR = 0.5, VS = 0.3)[space]
  y <- level + 0.3 * sin(excerpt^2 + 1) + 0.15 * sin(5 * network^2 + 2) + 0.25 * noise(i)
  data.frame(y, space, network, excerpt)[i %% 11 != 3, ]
}
slopes <- function() {
  i <- 0:125; dataset <- i %/% 18; n_star <- i %/% 3 %% 6; r_star <- i %% 3 / 2
  y <- 0.2 + (0.5 + 0.3 * sin(dataset^2 + 1)) * r_star + (0.1 + 0.1 * sin(2 * dataset^2)) * n_star + 0.4 * noise(i)
  data.frame(y, r_star, n_star, dataset)
}
boundary <- function() {  # the groups differ by less than chance would make them
  i <- 0:39; group <- i %/% 5; other <- i %% 4; x <- cos(i)
  y <- 1 + 0.5 * x + 1.2 * sin(other + 1) + noise(i) - ave(noise(i), group)
  data.frame(y, x, group, other)
}
groups <- function() {  # of one row to eight
  group <- rep(0:7, 1:8); i <- 0:35
  data.frame(y = sin(group^2 + 3) + noise(i), group)
}
multi <- function(directory) {
  d <- read.csv(file.path(directory, "mixed7.csv"))
  s <- c("SSR", "MSSR@FC", "MSCR@6", "MSCR@4", "MSCR@2", "MSSCR")
  for (k in 1:6) { d[[paste0("a", k)]] <- 1 * (d$strategy == s[k]); d[[paste0("s", k)]] <- d[[paste0("a", k)]] * d$n_star }
  d
}

restricted_limits <- function(fit, formula, data, level = 0.95) {
  f <- suppressMessages(lme4::lmer(formula, data, devFunOnly = TRUE)); e <- environment(f); n <- nobs(fit); p <- length(fixef(fit)); k <- length(getME(fit, "theta"))
  deviance <- function(v) {  # v: variances of the components and the residual
    f(sqrt(v[1:k] / v[k + 1]))
    e$pp$ldL2() + e$pp$ldRX2() + (n - p) * log(2 * pi * v[k + 1]) + (e$resp$wrss() + e$pp$sqrL(1)) / v[k + 1]
  }
  best <- as.data.frame(VarCorr(fit))$vcov; least <- deviance(best); q <- qchisq(level, 1)
  start <- log(pmax(best, best[k + 1] / 100))
  t(sapply(1:(k + 1), function(h) {
    rise <- function(value) nlminb(start[-h], function(o) { v <- numeric(k + 1); v[h] <- value; v[-h] <- exp(o); deviance(v) },
                                   lower = start[-h] - 25, upper = start[-h] + 10, control = list(rel.tol = 1e-13, iter.max = 1000, eval.max = 5000))$objective - least - q
    low <- exp(start[h]) * 1e-9
    c(if (rise(low) < 0) 0 else uniroot(rise, c(low, best[h]), tol = 1e-12)$root,
      uniroot(rise, c(max(best[h], low), exp(start[h]) * 1000), tol = 1e-10)$root)
  }))
}
facts <- function(name, formula, data, profile = TRUE) {
  control <- lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-12), calc.derivs = FALSE)
  fit <- eval(bquote(suppressMessages(lmer(.(formula), data, control = control))))
  s <- summary(fit)$coefficients; v <- as.data.frame(VarCorr(fit)); terms <- rownames(s)
  limits <- if (profile) suppressWarnings(confint(profile(fit, which = "beta_", signames = FALSE, delta.cutoff = 1/16))) else matrix(NA, nrow(s), 2)
  row <- function(kind, term, estimate, se = NA, df = NA, lower = NA, upper = NA) data.frame(model = name, kind, term, estimate, se, df, lower, upper)
  pairs <- if (nrow(s) > 1) combn(nrow(s), 2) else matrix(0, 2, 0)
  contrast <- apply(pairs, 2, function(k) { l <- numeric(nrow(s)); l[k] <- c(1, -1)
    r <- contest1D(fit, l, confint = TRUE); row("contrast", paste(terms[k], collapse = " - "), r$Estimate, r[["Std. Error"]], r$df, r$lower, r$upper) })
  limits_v <- if (profile) restricted_limits(fit, formula, data) else matrix(NA, nrow(v), 2)
  component <- ifelse(v$grp == "Residual", "Residual", if (name %in% c("crossed", "boundary", "groups")) v$grp else v$var1)
  rbind(row("fixed", terms, s[, 1], s[, 2], s[, 3], limits[, 1], limits[, 2]),
        row("variance", component, v$vcov, lower = limits_v[, 1], upper = limits_v[, 2]),
        do.call(rbind, contrast), row("deviance", "", REMLcrit(fit)))
}
a <- paste0("a", 1:6); s <- paste0("s", 2:6); d <- multi(commandArgs(TRUE)[1])
first <- as.formula(paste("y ~ 0 +", paste(c(a, s), collapse = "+"), "+", paste0("(0 +", c(a, s), "| dataset)", collapse = "+")))
result <- rbind(
  facts("crossed", y ~ 0 + space + (1 | excerpt) + (1 | network), crossed()),
  facts("slopes", y ~ r_star * n_star + (0 + r_star | dataset) + (0 + n_star | dataset), slopes()),
  facts("boundary", y ~ x + (1 | group) + (1 | other), boundary()),
  facts("groups", y ~ 1 + (1 | group), groups()),
  facts("mixed7 model 1", first, d, profile = FALSE),
  facts("mixed7 model 2", y ~ r_star * n_star + (0 + r_star | dataset) + (0 + n_star | dataset) + (0 + I(r_star * n_star) | dataset), d))
result <- result[!(result$model == "mixed7 model 1" & result$kind == "contrast"), ]
for (column in c("estimate", "se", "df", "lower", "upper")) result[[column]] <- signif(result[[column]], 9)
write.csv(result, "mixed.csv", row.names = FALSE, na = "", quote = FALSE)
