"""Given names that stand for each other: short forms, pet names and other spellings, in English and Spanish and some more.

Each line is one group; a name may be in several. Two names of one group may be the same person's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

GROUPS = """
abigail abby abbie gail
abdul abdel abd abdoul
abraham abe bram avi avraham ibrahim
adelaide addie adele heidi
adriana adrianna adri
agnes aggie nessa
aidan aiden ayden
alan allan allen al
albert al bert bertie alberto beto
alejandra sandra ale alexandra
alejandro ale jandro alex
alexander alex al lex sandy xander sasha alec alek alexandre
alexandra alex lexi lexie sandra sandy sasha alexa
alfred al fred alf alfie freddie alfredo fredo
alice allie ali alicia
alison allison ally allie ali
alonso alonzo lonnie
amanda mandy manda
amelia amy millie mia emelia
ana anna anne ann annie anita hannah
anastasia ana stacy stasia nastya tasia
andrea andi drea andy
andrew andy drew andre andreas andres andrei
angela angie angelina angelica
angelina angie lina
antonia toni tonia
anthony tony anton antonio ant toni tono
antonio tony tono antonino
archibald archie
arthur art artie arturo
ashley ash lee
augustus gus august augustine agustin
barbara barb barbie babs bobbie
bartholomew bart
beatrice bea trixie beatriz betty
benjamin ben benny benji benjie
bernard bernie bern bernardo
beth elizabeth bethany
bradley brad
brandon brand
brendan brenden brendon
brian bryan bryant
bridget bridie biddy
brittany britt brittney britney
calvin cal
cameron cam kameron
caroline carrie carol carolyn lina carolina
carl karl carlos charles
carlos carlitos charly
catherine katherine kathryn kate katie kathy cathy cat kat kit kitty katy katharine kathleen katelyn catalina
cecilia celia cece cissy ceci
charles charlie chuck chas chaz charley carlos
charlotte charlie lottie char lotte
chelsea chels
chester chet
christian chris cristian kristian
christine christina chris chrissy tina kristin kristen kristina kristine christy kristy cristina krista
christopher chris kit topher kristopher cristobal
clara claire clare clarita
clarence clancy
clifford cliff clifton
concepcion concha conchita conchi
consuelo chelo
constance connie
corey cory kory
cornelius neil connie
cristina cris tina
crystal krystal chrystal
curtis curt kurt
cynthia cindy cyndi
daniel dan danny dani danilo
daniela dani danielle daniella
david dave davey davy davi
deborah deb debbie debra
dennis denny denis
derek derrick derrek
diana di diane dianne dinah
dolores lola loli delores
dominic dom nick dominick domingo
donald don donny donnie
dorothy dot dottie dolly dory
douglas doug
duncan dunc
edith edie
edgar ed
eduardo edu lalo eddie
edward ed eddie ted teddy ned eduardo
edwin ed eddie win
eileen aileen
eleanor ellie nell nellie nora elinor lenora
elena helena helen ellen lena
elijah eli elias
elizabeth liz lizzie beth betsy betty eliza ellie libby bess bette elisabeth elsie lisa isabel
ella ellie
ellen ellie nell
emily em emmy emma emilia millie
emmanuel manny manuel emanuel manolo
enrique kike quique henry rick
eric erik erick rick
ernest ernie ernesto
esperanza espe
esteban steven stephen
esther hester essie ester
ethan eitan
eugene gene eugenio
eugenia genie
evan ivan
evelyn eve evie lyn eva
ezekiel zeke
ezra ez
felicia fee felicity
fatima fatma fatimah
felipe philip phil
fernando nando fer
fernanda fer nanda
florence flo flora florrie
frances fran fanny francie frankie francesca francisca
francis frank fran frankie
francisco paco pancho frank curro cisco kiko fran
francisca paca paquita fran
franklin frank frankie
frederick fred freddie freddy rick fritz frederic federico
gabriel gabe gabi gabo
gabriela gabrielle gabriella gabby gabi gaby brie ella
gary garry
genevieve gen jenny viv
geoffrey jeffrey geoff jeff jeffery
george georgie jorge
gerald gerry jerry jerald gerardo
geraldine gerry jerry
gerard gerry jerry
gertrude trudy gertie
gilbert gil bert gilberto beto
giovanni gio john vanni
gonzalo gonza chalo
grace gracie graciela
graciela chela grace
gregory greg gregor gregorio goyo
gretchen greta margaret
guadalupe lupe lupita
guillermo memo guille william bill
guy guido
gwendolyn gwen wendy
hannah hanna anna
harold harry hal
harriet hattie harry
harrison harry
hector tito
helen nell ellie lena
henry hank harry hal enrique
herbert herb bert
hernan nan
howard howie
hugh hugo hughie
humberto beto
ian iain john
ignacio nacho iggy ignatius
ines agnes inez
irene rena renee
isaac ike zak isaak
isabel isabella bella izzy isa belle isabelle chavela bel isobel
isaiah izzy zay
ismael ish ishmael
ivan juan john
jacob jake jay jakob jacobo
jacqueline jackie jacki jacquelyn jaqueline
jaime james jim
james jim jimmy jamie jem jaime
jane janie janet jenny jean juana
janet jan
jason jay jase
javier xavier javi xavi
jean jeanne jeannie
jefferson jeff
jennifer jen jenny jenn jenna
jeremy jerry jem jeremiah
jeremiah jerry jeremy
jerome jerry
jesse jess jessie
jessica jess jessie
jesus chuy chucho suso
jill gillian jillian
joan joanie juana
joanna jo joanne joan johanna
joaquin quino kino
joel jo
john jack johnny jon jonny juan jock ian sean giovanni johnnie
jonathan jon jonny nathan john johnathan jonathon
jordan jordy jory
jorge george coque
jose pepe joe chepe pepito joseph
joseph joe joey jo jose josef yusuf yosef
josefina josephine pepa fina jo josie
josephine jo josie fina
joshua josh joss josue
juan johnny juanito john
juana juanita jane
judith judy jude
julia jules julie juliana juliet
julian jules julio julius
julio julius jules
justin justo
karen kari caren
kaitlyn caitlin katelyn caitlyn kaitlin katie kate
keith keefe
kelly kelley kellie
kenneth ken kenny
kevin kev
kimberly kim kimmy kimberley
kyle ky
lawrence larry laurie lars laurence lorenzo
laura laurie lori lauren
lauren laurie ren laura loren
leah lea lia
leandro leo andro
leigh lee
leo leon leonard leonardo
leonard leo len lenny leonardo
leonardo leo nardo
leslie les lesley
lewis lou lew louis luis
lillian lily lil lilly liliana lilian
linda lindy lynn
lindsay lindsey linsey
lorena lore
lorenzo enzo loren
louis lou louie luis lewis
louise lou lulu luisa
lourdes lulu
lucas luke luca luc
lucia lucy luci lucille
lucy lucille lucinda lucia lu
luis lucho louis lou
luisa lulu louise
luz lucita
lydia lyddie
madeline maddie maddy madeleine madelyn madison magdalena
madison maddie maddy
magdalena magda lena malena
malcolm mal
manuel manny manolo manu lolo
marcella marcy
marcus marc mark marcos marco
margaret maggie meg peggy marge margie greta rita daisy madge margarita megan peg
margarita rita marga margaret
maria mary mia mari marie
mariana mary ana mari
maricela mari chela
marilyn mary lynn
marjorie marge margie
mark marc marcus marco marcos
martha marty mattie marta
martin marty martino
mary molly polly mae maria marie mamie may
matthew matt matty mateo mathew matthias mateus
mateo matt teo matthew
matilda tilly mattie
maureen mo reen
maurice mo morris maury mauricio
maximilian max maxim maximiliano
maxwell max
megan meg meghan
melanie mel
melinda mindy mel linda
melissa mel missy lissa
mercedes merche mercy
michael mike mikey mick mickey miguel mitch mikhail micheal
michelle shelly micki chelle
miguel mike micky miguelito
mildred millie
miranda randy mira
mitchell mitch
mohammed muhammad mohamed mohammad mo muhammed mohamad ahmed
monica moni mona
montgomery monty
morgan mo
nadia nadya
nancy nan ann
natalie nat natalia tally nattie
nataly natalie natalia
nathan nate nat
nathaniel nate nat nathan than
nicholas nick nicky nico nicolas niko nikolai
nicole nikki nicky nicola
noah noe
nora honora eleanor norah
octavio tavo
oliver ollie
olivia liv livvy livia
oscar ozzie
pamela pam
patricia pat patty tricia trish patsy pati
patrick pat paddy rick patricio
paul pablo paulo pauly
paula pauline polly
pedro peter perico
penelope penny nell
peter pete petey pedro
philip phil phillip felipe pip
phoebe febe
priscilla cilla prissy
rachel rae rach raquel rachael
rafael rafa raphael rafi ralph
ramon ray moncho raymond monchi
randall randy rand
raul ralph
raymond ray ramon
rebecca becky becca beck rebekah rebeca
regina gina reggie
reginald reggie reg
rene renato
renee rene
reuben ruben rube
ricardo ricky rick richard richie cardo
richard rick dick rich ricky richie ricardo
robert rob bob bobby robbie bert roberto robin
roberta bobbie bobby berta
roberto beto rob tito robert
rocio chio
rodney rod
rodolfo rudy fito rodo
rodrigo rod rodri
roger rog rogelio
roland rollie rolando
rolando rolo roland
ronald ron ronnie ronny ronaldo
rosa rose rosie rosita
rosario charo rosie chayo
rose rosie rosa
rosemary rose rosie romy
russell russ rusty
ruth ruthie
ryan rye
salvador chava sal
samantha sam sammie
samuel sam sammy
sandra sandy
santiago santi chago diego james
sarah sara sally sadie
scott scotty
sean shawn shaun john
sebastian seb bas sebas bastian
sergio checo serge
shannon shan
sharon shari
sheila shelagh
shirley shirl
sidney sid sydney
simon si simeon
sofia sophia sophie sofie
solomon sol
sophia sophie sofia
stanley stan
stella estella estela
stephanie steph stephie estefania stefanie stefani
stephen steve steven stevie stephan esteban
stuart stu stewart
susan sue susie suzy suzanne susana susanna
susana susi susan
sylvia silvia sylvie
tamara tammy tam
tatiana tati tanya
teodoro teo theodore
teresa tere tess tessa theresa terry tessie
terrence terry terence
thaddeus thad tad
theodore ted teddy theo teodoro
theresa terry tess tessa resa teresa
thomas tom tommy thom tomas
timothy tim timmy
tobias toby
tomas tommy tom thomas
tracy tracey
trevor trev
tyler ty
ursula ursie
valentina vale tina
valeria vale valerie
valerie val
vanessa nessa van
veronica ronnie vero roni
victor vic vick
victoria vicky tori vic vicki viki
vincent vince vinny vin vicente
vicente chente vincent
virginia ginny ginger gina
vivian viv vivien
walter walt wally
wendell dell
wesley wes
wilhelmina mina billie willa
william bill will billy willie liam willy guillermo wil
winifred winnie fred freda
winston win
xavier javier zav
ximena jimena mena
yolanda yoli
yusuf yousef youssef joseph
zachary zach zack zac zachariah zak zackary
zoe zoey zooey
"""


def _groups() -> Mapping[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for number, line in enumerate(GROUPS.split("\n")):
        for name in line.split():
            found[name].add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


_OF = _groups()
_SIZES = [len(line.split()) for line in GROUPS.split("\n")]


def groups(name: str) -> frozenset[int]:
    """The numbers of the groups that a folded given name is in."""
    return _OF.get(name, frozenset())


def main_group(name: str) -> str | None:
    """The largest group of a folded given name, which its other forms are most likely to be in, as a text."""
    number = max(groups(name), key=lambda each: (_SIZES[each], -each), default=None)
    return None if number is None else f"#{number}"
