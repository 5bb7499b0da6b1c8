"""English stop words: pronouns, determiners, prepositions, conjunctions, auxiliaries and the like.

The paper names a filter, not its list; this one is our choice, words of the closed classes alone.
"""

_CLOSED_CLASSES = """
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself
we us our ours ourselves they them their theirs themselves one ones this that these those who whom whose
which what where when why how whoever whatever a an the some any no none each every either neither both all
another other others such much many more most few less least several enough same own of in to for with on at
from by about as into like through after over between out against during without before under around among
up down off above below near behind beyond since until upon within along across toward towards onto away
back per via and or but nor so yet if because while although though unless than whether am is are was were
be been being have has had having do does did doing done will would shall should can could may might must
ought not only just also too very then there here now ever never again once still even quite rather almost
already always often however thus therefore n't 's 're 've 'll 'd 'm 't s t re ve ll d m don doesn didn isn
aren wasn weren hasn haven hadn won wouldn couldn shouldn
"""
STOP_WORDS = frozenset(_CLOSED_CLASSES.split())
