from relatives import seeds


def test_a_draw_belongs_to_its_names():
    draws = {seeds.generator(7, *names).random() for names in [("a", "b"), ("ab",), ("a",), ("b", "a"), ()]}
    assert len(draws) == 5
    assert seeds.generator(7, "a", 1).random() == seeds.generator(7, "a", 1).random()
    assert seeds.generator(7, "a").random() != seeds.generator(8, "a").random()


def test_a_number_fits_every_library():
    numbers = [seeds.number(seed, "a") for seed in range(100)]
    assert len(set(numbers)) == 100
    assert all(0 <= number < 2**63 for number in numbers)
