"""Pictures of a stock and of the market, 1200 by 630 pixels, which previews of shared links show."""
