namespace Andrea.Data.Corpus;

/// <summary>What the question and answer texts know about the world: definitions, opposites, orders and a few small facts.</summary>
internal static class FactRules
{
    /// <summary>One thing a line: word, kind, what it does or is like ("a lamp is a tool that gives light").</summary>
    public const string Things = """
        lamp: tool: gives light in a dark room
        lantern: tool: gives light and can be carried outside
        candle: tool: burns slowly and gives light
        hammer: tool: drives nails into wood
        saw: tool: cuts wood
        needle: tool: carries thread through cloth
        shovel: tool: digs holes in the ground
        rake: tool: gathers leaves
        broom: tool: sweeps the floor
        axe: tool: splits wood
        ladder: tool: lets people reach high places
        rope: tool: ties things together
        key: tool: opens a lock
        spoon: tool: is used to eat soup
        knife: tool: cuts bread and fruit
        bucket: tool: carries water
        compass: tool: shows where north is
        telescope: tool: makes distant things look near
        clock: machine: shows the time
        pump: machine: lifts water
        engine: machine: turns heat into motion
        radio: machine: brings voices from far away
        camera: machine: makes pictures
        loom: machine: weaves thread into cloth
        mill: building: grinds grain into flour
        barn: building: holds hay and animals
        lighthouse: building: shows ships the way at night
        library: building: lends books
        school: building: is full of children and teachers
        bakery: building: smells of fresh bread
        museum: building: keeps old and beautiful things
        station: building: is where trains stop
        castle: building: has thick walls and towers
        greenhouse: building: keeps plants warm
        inn: building: gives travelers a bed
        baker: person: makes bread
        potter: person: makes bowls out of clay
        weaver: person: makes cloth
        sailor: person: works on a ship
        farmer: person: grows food
        tailor: person: makes clothes
        teacher: person: helps others to learn
        miller: person: makes flour
        painter: person: paints pictures
        gardener: person: takes care of plants
        shepherd: person: takes care of sheep
        carpenter: person: builds things out of wood
        smith: person: makes things out of iron
        librarian: person: takes care of books
        doctor: person: helps sick people
        beekeeper: person: takes care of bees
        cook: person: prepares meals
        pilot: person: flies planes
        astronomer: person: studies the stars
        engineer: person: designs machines
        fox: animal: has a red coat and a long tail
        rabbit: animal: has long ears and lives in a burrow
        hedgehog: animal: is covered with spines
        beaver: animal: builds dams in rivers
        owl: bird: hunts at night
        crow: bird: is black and clever
        duck: bird: swims on ponds and says quack
        goose: bird: honks and flies south in autumn
        hen: bird: lays eggs
        heron: bird: stands in water on long legs
        eagle: bird: sees very far and hunts by day
        swan: bird: is white and has a long neck
        cat: animal: purrs and catches mice
        dog: animal: barks and guards the house
        cow: animal: gives milk and eats grass
        sheep: animal: gives wool
        goat: animal: climbs on rocks and eats almost anything
        horse: animal: carries riders
        donkey: animal: has long ears and carries heavy loads
        mouse: animal: is small and likes grain
        bear: animal: sleeps through the winter
        wolf: animal: lives in packs and howls
        mole: animal: digs tunnels under the ground
        frog: animal: jumps and lives near water
        turtle: animal: carries its house on its back
        otter: animal: swims well and eats fish
        bee: insect: makes honey
        ant: insect: lives in large colonies and carries crumbs
        beetle: insect: has hard wing covers
        cricket: insect: sings on summer evenings
        moth: insect: flies to the light at night
        apple: fruit: grows on trees and can be red or green
        pear: fruit: is sweet and narrow at the top
        plum: fruit: is small and purple
        cherry: fruit: is small, red and round
        lemon: fruit: is yellow and sour
        orange: fruit: is round and sweet and full of juice
        grape: fruit: grows in bunches on a vine
        carrot: vegetable: is orange and grows under the ground
        potato: vegetable: grows under the ground and is often fried
        onion: vegetable: makes people cry when they cut it
        pumpkin: vegetable: is large and orange
        cabbage: vegetable: has many leaves
        violin: instrument: has four strings and a bow
        drum: instrument: is played with sticks
        flute: instrument: is played by blowing across a hole
        harp: instrument: has many strings and stands on the floor
        trumpet: instrument: is made of brass
        boat: vehicle: floats on water
        train: vehicle: runs on rails
        cart: vehicle: is pulled by a horse
        bicycle: vehicle: has two wheels and pedals
        plane: vehicle: flies
        sled: vehicle: slides over snow
        hat: piece of clothing: is worn on the head
        coat: piece of clothing: keeps people warm outside
        glove: piece of clothing: is worn on the hand
        scarf: piece of clothing: is worn around the neck
        sock: piece of clothing: is worn on the foot
        apron: piece of clothing: keeps a cook clean
        chair: piece of furniture: is made for one person to sit on
        table: piece of furniture: has a flat top and legs
        bed: piece of furniture: is made for sleeping
        shelf: piece of furniture: holds books or jars
        cradle: piece of furniture: rocks a baby to sleep
        rose: plant: has thorns and smells sweet
        oak: plant: grows from an acorn
        fern: plant: grows in the shade and has no flowers
        ivy: plant: climbs on walls
        sunflower: plant: turns toward the sun
        river: body of water: flows to the sea
        lake: body of water: lies still between hills or trees
        pond: body of water: is smaller than a lake
        triangle: shape: has three sides
        square: shape: has four equal sides
        circle: shape: has no corners
        """;

    /// <summary>Pairs of opposites.</summary>
    public const string Opposites = """
        hot cold, big small, old new, early late, light dark, wet dry, full empty, open closed, strong weak, fast slow, loud quiet
        high low, long short, happy sad, hard soft, near far, rich poor, clean dirty, heavy light, deep shallow, wide narrow, thick thin
        young old, brave timid, sharp dull, rough smooth, first last, true false, right wrong, up down, left right, inside outside
        above below, before after, always never, day night, summer winter, north south, east west, win lose, buy sell, push pull
        laugh cry, begin end, give take, remember forget, find lose, awake asleep, simple complicated, cheap expensive, alive dead
        """;

    /// <summary>Scales, each from the least to the most: adjective, its comparative and superlative, then the things in order.</summary>
    public const string Scales = """
        big bigger biggest: ant, bee, mouse, frog, hedgehog, cat, sheep, cow, elephant, whale
        heavy heavier heaviest: feather, letter, apple, brick, chair, piano, wagon, ship
        fast faster fastest: snail, turtle, hen, dog, horse, train, plane
        hot hotter hottest: ice cube, cold drink, warm bath, cup of fresh tea, oven, candle flame
        tall taller tallest: daisy, chair, door, house, oak, tower, mountain
        loud louder loudest: whisper, cricket, voice, drum, thunderstorm
        long longer longest: second, minute, hour, day, week, month, year
        old older oldest: baby, schoolchild, grown person, grandmother, old oak, mountain
        """;

    /// <summary>Small facts as question | answer; with their own words, so that they cannot be guessed from a pattern alone.</summary>
    public const string Everyday = """
        how many days are in a week? | there are seven days in a week.
        how many months are in a year? | there are twelve months in a year.
        how many hours are in a day? | there are 24 hours in a day.
        how many minutes are in an hour? | there are 60 minutes in an hour.
        how many seconds are in a minute? | there are 60 seconds in a minute.
        how many legs does a spider have? | a spider has eight legs.
        how many legs does an ant have? | an ant has six legs.
        how many wings does a bee have? | a bee has four wings.
        how many letters are in the alphabet? | the alphabet has 26 letters.
        which season comes after winter? | spring comes after winter.
        which season comes after summer? | autumn comes after summer.
        where does the sun rise? | the sun rises in the east.
        where does the sun set? | the sun sets in the west.
        what is ice made of? | ice is frozen water.
        what is bread made of? | bread is made of flour, water, salt and yeast.
        what is paper made of? | paper is made of wood.
        what do bees make? | bees make honey and wax.
        what do you get when you mix blue and yellow? | blue and yellow make green.
        what do you get when you mix red and yellow? | red and yellow make orange.
        what do you get when you mix red and blue? | red and blue make purple.
        what color is snow? | snow is white.
        what color is coal? | coal is black.
        what color is grass? | grass is green.
        at what temperature does water freeze? | water freezes at zero degrees Celsius.
        at what temperature does water boil? | water boils at 100 degrees Celsius at sea level.
        why do we see the moon? | the moon reflects the light of the sun.
        why do leaves fall in autumn? | trees drop their leaves to save water in winter.
        why does a boat float? | a boat floats because it weighs less than the water it pushes away.
        what is the opposite of an answer? | a question, if you like.
        what should I do when I am lost? | stay calm, look for a sign, and ask someone for the way.
        what should I do when it rains? | take an umbrella or wait until it stops.
        how do I make tea? | boil water, pour it over the leaves, and wait for three minutes.
        how do I sharpen a pencil? | turn it in a sharpener, or cut it carefully with a knife.
        how do I stop a door from creaking? | put a drop of oil on the hinges.
        how do I boil an egg? | put it into boiling water and wait for eight minutes.
        what is a rainbow? | sunlight that raindrops split into colors.
        what is an echo? | a sound that comes back from a wall or a hill.
        what is a dozen? | a dozen is twelve.
        what is half of a dozen? | half of a dozen is six.
        who are you? | I am a small model that learned to read and write.
        """;
}
