"""How good masks are: J and F, folders of masks, the street world's test split. Import the modules themselves:
`metrics` needs numpy and OpenCV only."""
