"""What a worker refuses or leaves out so that it holds no more than it may, on real servers."""
