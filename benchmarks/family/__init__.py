"""A large family of small trained models, half of them made with a mistake, all of them judged."""
