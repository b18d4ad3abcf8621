namespace Andrea.Data.Corpus;

/// <summary>The words that all kinds of text share, as grammar rules.</summary>
internal static class WordRules
{
    public const string Text = """
        ~ her_name
        Ada, Alma, Anna, Bea, Bryn, Cara, Clara, Cora, Dora, Edith, Ella, Elsa, Esme, Eva, Fern, Flora, Greta, Hazel, Helen, Ida, Ines
        Iris, Ivy, Jana, Joan, June, Kira, Lena, Lily, Lina, Lotte, Lucy, Mabel, Mara, Maud, Mina, Mira, Nell, Nina, Nora, Olive, Opal
        Petra, Pia, Quinn, Rosa, Ruth, Sara, Selma, Tess, Thea, Tilda, Una, Vera, Wanda, Willa, Xenia, Yara, Zelda, Zoe

        ~ his_name
        Abel, Alan, Anton, Arlo, Basil, Ben, Bruno, Caleb, Carl, Dan, David, Edgar, Eli, Emil, Ezra, Felix, Finn, Frank, Fred, Gus, Hans
        Henry, Hugo, Ian, Igor, Ivan, Jack, Jonas, Karl, Kit, Leo, Levi, Luke, Max, Milo, Ned, Noah, Odd, Olaf, Omar, Oscar, Otto, Owen
        Paul, Pip, Quentin, Rafael, Remy, Rolf, Sam, Silas, Simon, Theo, Tim, Tom, Ulrich, Victor, Walter, Xavier, Yusuf, Zack

        ~ trade
        baker, potter, weaver, sailor, farmer, tailor, teacher, miller, painter, clockmaker, gardener, shepherd, carpenter, smith
        librarian, doctor, beekeeper, cook, mason, cobbler, pilot, printer, lighthouse keeper, engineer, innkeeper, inventor, actor
        astronomer, musician, basket maker, mapmaker, lamplighter, ferry captain, apprentice, bell ringer, orchard keeper, toymaker
        glassblower, candle maker, bookbinder, well digger, artist, archer, fiddler, rope maker, stone cutter, wood carver

        ~ animal
        fox, rabbit, hedgehog, badger, otter, mouse, squirrel, owl, crow, sparrow, duck, goose, hen, goat, sheep, pony, donkey, cat
        dog, puppy, kitten, frog, toad, turtle, snail, beaver, bear, wolf, deer, hare, heron, robin, mole, lizard, lamb, calf, elk
        magpie, swan, raven, weasel, hamster, pigeon, parrot, badger cub, fox cub, salamander, newt, eagle, marten, stork, jackdaw

        ~ farm_animal
        hen, goose, duck, goat, sheep, cow, horse, donkey, pony, pig, lamb, calf, cat, dog, bee, pigeon

        ~ object
        lamp, lantern, key, bell, book, map, kite, drum, flute, whistle, ring, button, coin, compass, clock, watch, mirror, basket
        bucket, blanket, scarf, hat, coat, umbrella, ladder, rope, hammer, saw, needle, spoon, bowl, cup, kettle, teapot, jar, bottle
        box, chest, letter, stamp, feather, shell, marble, doll, puppet, wagon, cart, sled, boat, oar, net, candle, brush, pencil
        notebook, telescope, lens, magnet, wheel, gear, spring, engine, radio, camera, violin, harp, trumpet, quilt, pillow, broom
        shovel, rake, axe, vase, painting, flag, mask, crown, necklace, bracelet, medal, stool, chair, table, bench, cradle, saddle
        anchor, apron, envelope, hourglass, inkwell, thimble, tray, trunk, wallet, ribbon, satchel, pulley, plough, pump, fiddle

        ~ machine
        clock, engine, pump, radio, loom, wagon wheel, music box, printing press, water wheel, lantern, camera, lift, bicycle, mill wheel
        sewing machine, organ, tower bell, typewriter, telescope, weather vane, coffee grinder, ferry winch, toy train, kettle whistle

        ~ food
        apple, pear, plum, orange, egg, onion, bun, pie, cake, loaf, tart, biscuit, pancake, dumpling, potato, carrot, turnip
        pumpkin, cherry, berry, peach, lemon, nut, sandwich, tomato, fig, muffin, waffle, radish, olive, apricot, bean

        ~ warm_food
        onion soup, warm bread, oat porridge, hot tea, mint tea, apple cider, barley soup, potato stew, honey cake, milk and bread
        bean soup, fried eggs, toast and jam, pumpkin soup, roast chestnuts, mushroom stew, hot milk, plum pudding

        ~ plant
        apple tree, rose, sunflower, bean, pumpkin, oak, pear tree, tulip, fern, ivy, willow, lily, thistle, vine, cherry tree, mint
        poppy, daisy, elm, pine, orchid, cabbage, clover, lavender bush, birch, acorn tree

        ~ place
        mill, bridge, tower, market, harbor, forest, hill, valley, lake, river, meadow, orchard, garden, library, school, station
        bakery, workshop, barn, stable, well, cave, island, castle, lighthouse, windmill, museum, chapel, square, inn, pond, quarry
        greenhouse, observatory, dock, field, watchtower, cottage, cabin, waterfall, ferry house, toll house, ruin, boat house, post office

        ~ room
        kitchen, attic, cellar, hall, bedroom, pantry, study, workshop, stairwell, storeroom, garden shed, porch, parlor, loft

        ~ hiding_spot
        under the stairs, behind the stove, beneath a loose board, inside an old boot, between two stones, under a heap of leaves
        on the highest shelf, at the bottom of the well bucket, in the hollow of a tree, behind the flour sacks, under the bridge
        in the pocket of a coat, among the reeds, beside the gate, under the bench, in an empty jar, behind the clock, below the window
        in a crow's nest, under the cat, at the back of the drawer, inside the drum, in the hay, under the kitchen table

        ~ material
        brass, copper, wooden, silver, glass, paper, stone, iron, woolen, leather, clay, tin, golden, bone, velvet, straw, ivory, oak
        cotton, marble, steel, linen, porcelain, wax

        ~ color
        red, blue, green, yellow, white, black, brown, grey, orange, purple, pink, silver, golden, amber, scarlet, violet

        ~ thing_look
        old, small, heavy, bright, broken, dusty, polished, round, plain, painted, cracked, rusty, shiny, strange, tiny, curved, empty
        narrow, faded, carved, striped, crooked, dented, elegant, ordinary, useful, ugly, antique, odd, enormous, unusual, clever
        {color}, {material}, {color}, {material}

        ~ person_look
        young, old, quiet, cheerful, curious, careful, clever, kind, lonely, patient, proud, shy, stubborn, brave, clumsy, gentle, honest
        thoughtful, restless, poor, tall, tired, busy, eager, early rising, absent minded, earnest, hopeful, serious, funny, forgetful

        ~ animal_look
        small, grey, brown, young, old, quick, sleepy, curious, hungry, brave, shy, clever, fat, thin, friendly, nervous, spotted
        lame, lucky, orange, impatient, elderly, proud, patient, little, lonely, cheerful, untidy

        ~ place_look
        old, ruined, quiet, empty, hidden, distant, famous, forgotten, northern, eastern, western, southern, abandoned, upper, lower
        white, grey, green, narrow, sunny, windy, haunted, royal, ancient, lonely, far, crooked, icy, open

        ~ town_look
        small, quiet, old, narrow, sleepy, busy, windy, foggy, sunny, remote, lively, dusty, ancient, tidy, poor, grey, cheerful, little

        ~ town
        village, town, hamlet, harbor town, market town, mountain village, fishing village, mill town, valley, settlement

        ~ feeling
        happy, glad, proud, calm, grateful, hopeful, cheerful, content, peaceful, brave, satisfied, at home

        ~ bad_feeling
        sad, angry, worried, lonely, tired, ashamed, afraid, cross, gloomy, anxious, jealous, bitter, uneasy, disappointed

        ~ manner
        slowly, quickly, quietly, carefully, gently, bravely, sadly, happily, proudly, patiently, softly, firmly, calmly, eagerly
        politely, suddenly, clumsily, cheerfully, nervously, silently, steadily, stubbornly, wearily, gladly

        ~ soon
        the next morning, that evening, an hour later, two days later, the following week, before noon, after supper, at dawn
        at sunset, later that day, when the bells rang, on the third day, at last, in the afternoon, by candlelight, toward midnight
        a little later, when the moon rose, early on Sunday, on Monday, a week later, at breakfast, as soon as it was light

        ~ season
        spring, summer, autumn, winter

        ~ month
        January, February, March, April, May, June, July, August, September, October, November, December

        ~ weekday
        Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday

        ~ few
        two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, twenty
        """;
}
