"""`python -m train train TOKENS --out RUN`, alone or under torchrun."""

from train.cli import main

if __name__ == "__main__":
    main()
