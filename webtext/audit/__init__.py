"""The report on a corpus: what is measured, and the page that shows it.

source (what may be read) → sections, each of which measures and shows (section) → report (all numbers) →
page. Sections count with tally, frequent and rank_correlation, and show with blocks, charts, histograms,
sankey and figures, all made of markup. compare and compare_page are two corpora side by side.
"""
